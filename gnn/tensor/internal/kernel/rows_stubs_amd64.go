//go:build amd64 && !noasm && !real64

package kernel

// The kernels over rows in machine code. [Rows], [Flat] and [Halves] say what each
// computes; package gen knows which argument is where.

//go:noescape
func segmentSumAVX2(s *rowArgs)

//go:noescape
func segmentSumAVX512(s *rowArgs)

//go:noescape
func segmentMixAVX2(s *rowArgs)

//go:noescape
func segmentMixAVX512(s *rowArgs)

//go:noescape
func segmentUnmixAVX2(s *rowArgs)

//go:noescape
func segmentUnmixAVX512(s *rowArgs)

//go:noescape
func segmentMaxAVX2(s *rowArgs)

//go:noescape
func segmentMaxAVX512(s *rowArgs)

//go:noescape
func segmentMaxBackAVX2(s *rowArgs)

//go:noescape
func segmentMaxBackAVX512(s *rowArgs)

//go:noescape
func gatherRowsAVX2(s *rowArgs)

//go:noescape
func gatherRowsAVX512(s *rowArgs)

//go:noescape
func sumTermsAVX2(s *rowArgs)

//go:noescape
func sumTermsAVX512(s *rowArgs)

//go:noescape
func columnSumsAVX2(s *rowArgs)

//go:noescape
func columnSumsAVX512(s *rowArgs)

//go:noescape
func normRowsAVX2(s *rowArgs)

//go:noescape
func normRowsAVX512(s *rowArgs)

//go:noescape
func normBackAVX2(s *rowArgs)

//go:noescape
func normBackAVX512(s *rowArgs)

//go:noescape
func scanRowsAVX2(s *rowArgs)

//go:noescape
func scanRowsAVX512(s *rowArgs)

//go:noescape
func addAVX2(s *rowArgs)

//go:noescape
func addAVX512(s *rowArgs)

//go:noescape
func axpyAVX2(s *rowArgs)

//go:noescape
func axpyAVX512(s *rowArgs)

//go:noescape
func scaleAVX2(s *rowArgs)

//go:noescape
func scaleAVX512(s *rowArgs)

//go:noescape
func productAVX2(s *rowArgs)

//go:noescape
func productAVX512(s *rowArgs)

//go:noescape
func reluAVX2(s *rowArgs)

//go:noescape
func reluAVX512(s *rowArgs)

//go:noescape
func reluBackAVX2(s *rowArgs)

//go:noescape
func reluBackAVX512(s *rowArgs)

//go:noescape
func expAVX2(s *rowArgs)

//go:noescape
func expAVX512(s *rowArgs)

//go:noescape
func log1pAVX2(s *rowArgs)

//go:noescape
func log1pAVX512(s *rowArgs)

//go:noescape
func sigmoidAVX2(s *rowArgs)

//go:noescape
func sigmoidAVX512(s *rowArgs)

//go:noescape
func dropoutAVX2(s *rowArgs)

//go:noescape
func dropoutAVX512(s *rowArgs)

//go:noescape
func adamAVX2(s *rowArgs)

//go:noescape
func adamAVX512(s *rowArgs)

//go:noescape
func dotAVX2(s *rowArgs)

//go:noescape
func dotAVX512(s *rowArgs)

//go:noescape
func fromHalfAVX2(s *rowArgs)

//go:noescape
func fromHalfAVX512(s *rowArgs)

//go:noescape
func toHalfAVX2(s *rowArgs)

//go:noescape
func toHalfAVX512(s *rowArgs)

//go:noescape
func fromBrainAVX2(s *rowArgs)

//go:noescape
func fromBrainAVX512(s *rowArgs)

//go:noescape
func gatherHalfAVX2(s *rowArgs)

//go:noescape
func gatherHalfAVX512(s *rowArgs)

//go:noescape
func gatherBrainAVX2(s *rowArgs)

//go:noescape
func gatherBrainAVX512(s *rowArgs)
