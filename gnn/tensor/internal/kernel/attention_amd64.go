//go:build amd64 && !noasm && !real64

package kernel

import "unsafe"

// The attention kernels in machine code. [Attention] says what each computes.

//go:noescape
func headDotsAVX2(s *rowArgs)

//go:noescape
func headDotsAVX512(s *rowArgs)

//go:noescape
func leakyDotsAVX2(s *rowArgs)

//go:noescape
func leakyDotsAVX512(s *rowArgs)

//go:noescape
func gatherHeadsAVX2(s *rowArgs)

//go:noescape
func gatherHeadsAVX512(s *rowArgs)

//go:noescape
func leakySlopesAVX2(s *rowArgs)

//go:noescape
func leakySlopesAVX512(s *rowArgs)

func attentionAVX2(p *Path)   { rowVectors(false).attend(p) }
func attentionAVX512(p *Path) { rowVectors(true).attend(p) }

func (v rowVectors) attend(p *Path) { p.Attention, p.Gaussian = v.attention(), v.gaussian() }

func (v rowVectors) attention() Attention {
	if v {
		return Attention{
			HeadDots:    func(a Heads) { var s rowArgs; s.heads(&a); headDotsAVX512(&s) },
			LeakyDots:   func(a Heads) { var s rowArgs; s.heads(&a); leakyDotsAVX512(&s) },
			GatherHeads: func(a Heads) { var s rowArgs; s.heads(&a); gatherHeadsAVX512(&s) },
			LeakySlopes: func(a Heads) { var s rowArgs; s.heads(&a); leakySlopesAVX512(&s) },
		}
	}
	return Attention{
		HeadDots:    func(a Heads) { var s rowArgs; s.heads(&a); headDotsAVX2(&s) },
		LeakyDots:   func(a Heads) { var s rowArgs; s.heads(&a); leakyDotsAVX2(&s) },
		GatherHeads: func(a Heads) { var s rowArgs; s.heads(&a); gatherHeadsAVX2(&s) },
		LeakySlopes: func(a Heads) { var s rowArgs; s.heads(&a); leakySlopesAVX2(&s) },
	}
}

// heads fills in the arguments in the order that package gen knows.
func (s *rowArgs) heads(a *Heads) {
	s.start(a.Width, len(a.Ptr)-1, Store)
	s.p = [10]unsafe.Pointer{addr(a.Row), addr(a.X), addr(a.Ptr), addr(a.Src), addr(a.W), addr(a.Q), addr(a.Att), addr(a.AttSum)}
	s.p[9] = last(a.Src)
	s.n[argHeads] = a.Heads
	s.n[4], s.n[5], s.n[6] = a.XStep, a.QStep, a.RowStep
	s.f[0] = Leak
}
