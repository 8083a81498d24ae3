package kernel

import "math"

func plainNormRows(n Norm) {
	for i := range rowsOf(n.X, n.Cols) {
		x, dst := n.X[i*n.Cols:][:n.Cols], n.Dst[i*n.Cols:][:n.Cols]
		mean, r := moments(x, n.Eps)
		n.Stats[2*i], n.Stats[2*i+1] = mean, r
		var residual []Real
		if n.Residual != nil {
			residual = n.Residual[i*n.Cols:][:n.Cols]
		}
		n.forward(dst, x, residual, mean, r)
	}
}

func rowsOf(x []Real, cols int) int { return len(x) / max(cols, 1) }

// forward is one row; residual may be dst, or nil.
func (n *Norm) forward(dst, x, residual []Real, mean, r Real) {
	gamma, beta, dst := n.Gamma[:len(x)], n.Beta[:len(x)], dst[:len(x)]
	for j, v := range x {
		v = (v-mean)*r*gamma[j] + beta[j]
		if n.ReLU {
			v = max(v, 0)
		}
		if residual != nil {
			v += residual[j]
		}
		dst[j] = v
	}
}

// moments returns the mean of x and 1/deviation, of the biased variance plus eps.
func moments(x []Real, eps Real) (mean, r Real) {
	inv := 1 / Real(len(x))
	mean = sum(x) * inv
	return mean, 1 / Real(math.Sqrt(float64(distances(x, mean)*inv+eps)))
}

// sum adds up x in four interleaved sums, which do not wait for one another.
func sum(x []Real) Real {
	var s0, s1, s2, s3 Real
	for len(x) >= 4 {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
		x = x[4:]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

// distances is the sum of squared distances from mean.
func distances(x []Real, mean Real) Real {
	var s0, s1, s2, s3 Real
	for len(x) >= 4 {
		d0, d1, d2, d3 := x[0]-mean, x[1]-mean, x[2]-mean, x[3]-mean
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
		x = x[4:]
	}
	for _, v := range x {
		s0 += (v - mean) * (v - mean)
	}
	return (s0 + s1) + (s2 + s3)
}

// plainNormBack, with u = g gamma behind the activation:
// dx = (u - mean(u) - h mean(u h)) / deviation, dgamma = sum of g h, dbeta = sum of g.
func plainNormBack(n Norm) {
	for i := range rowsOf(n.X, n.Cols) {
		x, g := n.X[i*n.Cols:][:n.Cols], n.G[i*n.Cols:][:n.Cols]
		mean, r := n.Stats[2*i], n.Stats[2*i+1]
		s1, s2 := n.sums(x, g, mean, r)
		if n.DX != nil {
			n.input(n.DX[i*n.Cols:][:n.Cols], x, g, mean, r, s1, s2)
		}
	}
}

// slope is the gradient before the activation.
func (n *Norm) slope(j int, h, g Real) Real {
	if n.ReLU && !(h*n.Gamma[j]+n.Beta[j] > 0) {
		return 0
	}
	return g
}

// sums adds the row to the gradients of scale and shift, and returns the means of u
// and of u h.
func (n *Norm) sums(x, g []Real, mean, r Real) (s1, s2 Real) {
	dgamma, dbeta, gamma := n.DGamma[:len(x)], n.DBeta[:len(x)], n.Gamma[:len(x)]
	for j, v := range x {
		h := (v - mean) * r
		gj := n.slope(j, h, g[j])
		dgamma[j] += gj * h
		dbeta[j] += gj
		u := gj * gamma[j]
		s1 += u
		s2 += u * h
	}
	inv := 1 / Real(len(x))
	return s1 * inv, s2 * inv
}

func (n *Norm) input(dx, x, g []Real, mean, r, s1, s2 Real) {
	for j, v := range x {
		h := (v - mean) * r
		d := r * (n.slope(j, h, g[j])*n.Gamma[j] - s1 - h*s2)
		if n.Add {
			d += dx[j]
		}
		dx[j] = d
	}
}

func plainColumnSums(dst, x, y []Real) {
	for at := 0; len(dst) > 0 && at < len(x); at += len(dst) {
		if y == nil {
			plainAdd(dst, x[at:][:len(dst)])
			continue
		}
		b := y[at:][:len(dst)]
		for j, v := range x[at:][:len(dst)] {
			dst[j] += v * b[j]
		}
	}
}

func plainScan(s Scan) {
	var before []Real
	for i := range s.Rows {
		dst := s.Dst[s.DstAt+i*s.DstStep:][:s.Cols]
		copy(dst, s.X[s.XAt+i*s.XStep:][:s.Cols])
		if before != nil {
			plainAxpy(dst, s.A[s.AAt+i*s.AStep], before)
		}
		before = dst
	}
}
