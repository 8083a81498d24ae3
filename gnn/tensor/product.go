package tensor

import "fmt"

// Form says which factor of a product is transposed.
type Form uint8

// The forms of a product that a linear step and its gradients need.
const (
	NN Form = iota // a b
	NT             // a bᵀ: the gradient of the input
	TN             // aᵀ b: the gradient of the weights, summed over stretches of rows in their order
)

// String returns the name.
func (f Form) String() string {
	if int(f) < len(formNames) {
		return formNames[f]
	}
	return fmt.Sprintf("Form(%d)", f)
}

var formNames = [...]string{NN: "NN", NT: "NT", TN: "TN"}

// Product writes a product of matrices to c, which holds its shape, on the pool of the
// tape. Nothing is recorded: it is for other engines and for measurements. Partial sums
// of TN stay in the tape's memory until the next Reset.
func (t *Tape) Product(form Form, c, a, b Mat) {
	switch form {
	case NN:
		t.mulNN(c, a, b)
	case NT:
		t.mulNT(c, a, b, false)
	case TN:
		t.mulTN(c, a, b, false)
	default:
		panic(fmt.Sprintf("tensor: no product of %s", form))
	}
}
