package tasks

import "fmt"

// op is one operator or function of the task language. Its arguments are all computed,
// also where the first would settle the result, so that nothing depends on their order.
type op struct {
	min, max int // number of arguments; max < 0 = any
	apply    func(c *opContext, args []Value) Value
}

// opContext is what operators know beside their arguments.
type opContext struct{ options *Options }

// ops is the table of operators and functions; [Call] names them.
var ops = map[string]op{
	"and":       {1, -1, and},
	"or":        {1, -1, or},
	"not":       {1, 1, not},
	"=":         comparison(func(order int) bool { return order == 0 }),
	"<>":        comparison(func(order int) bool { return order != 0 }),
	"<":         comparison(func(order int) bool { return order < 0 }),
	"<=":        comparison(func(order int) bool { return order <= 0 }),
	">":         comparison(func(order int) bool { return order > 0 }),
	">=":        comparison(func(order int) bool { return order >= 0 }),
	"is":        {2, 2, func(_ *opContext, a []Value) Value { return boolValue(same(a[0], a[1])) }},
	"is not":    {2, 2, func(_ *opContext, a []Value) Value { return boolValue(!same(a[0], a[1])) }},
	"in":        {2, -1, in},
	"coalesce":  {1, -1, coalesce},
	"least":     {1, -1, extreme(-1)},
	"greatest":  {1, -1, extreme(1)},
	"+":         {2, 2, add},
	"-":         {2, 2, subtract},
	"*":         arithmetic(func(x, y float64) float64 { return x * y }),
	"/":         {2, 2, divide},
	"neg":       {1, 1, negate},
	"abs":       {1, 1, absolute},
	"round":     {1, 2, round},
	"ln":        {1, 1, logarithm},
	"log":       {1, 1, logarithm10},
	"length":    {1, 1, length},
	"lower":     {1, 1, lower},
	"upper":     {1, 1, upper},
	"like":      {2, 2, like},
	"ilike":     {2, 2, ilike},
	"contains":  {2, 2, contains},
	"starts":    {2, 2, starts},
	"ends":      {2, 2, ends},
	"date_part": {2, 2, datePart},
}

// checkArgs reports a call that the table does not allow.
func (o op) checkArgs(name string, n int) error {
	if n < o.min || o.max >= 0 && n > o.max {
		return fmt.Errorf("%s has %d arguments, want %s", name, n, arity(o.min, o.max))
	}
	return nil
}

func arity(low, high int) string {
	switch {
	case high < 0:
		return fmt.Sprintf("at least %d", low)
	case low == high:
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d or %d", low, high)
}
