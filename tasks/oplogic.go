package tasks

// and is Kleene's: FALSE wins over unknown (rule R9).
func and(_ *opContext, args []Value) Value {
	unknown := false
	for _, v := range args {
		if v.Null {
			unknown = true
		} else if v.Num == 0 {
			return boolValue(false)
		}
	}
	if unknown {
		return null
	}
	return boolValue(true)
}

// or is Kleene's: TRUE wins over unknown (rule R9).
func or(_ *opContext, args []Value) Value {
	unknown := false
	for _, v := range args {
		if v.Null {
			unknown = true
		} else if v.Num != 0 {
			return boolValue(true)
		}
	}
	if unknown {
		return null
	}
	return boolValue(false)
}

func not(_ *opContext, args []Value) Value {
	if args[0].Null {
		return null
	}
	return boolValue(args[0].Num == 0)
}

func comparison(holds func(order int) bool) op {
	return op{2, 2, func(_ *opContext, a []Value) Value {
		if a[0].Null || a[1].Null {
			return null
		}
		order, ok := compare(a[0], a[1])
		if !ok {
			return null
		}
		return boolValue(holds(order))
	}}
}

// same is equality that is never unknown: NULL is the same as NULL only.
func same(a, b Value) bool {
	if a.Null || b.Null {
		return a.Null && b.Null
	}
	order, ok := compare(a, b)
	return ok && order == 0
}

// in tests args[0] against the list that follows it.
func in(_ *opContext, args []Value) Value {
	if args[0].Null {
		return null
	}
	unknown := false
	for _, v := range args[1:] {
		if v.Null {
			unknown = true
		} else if order, ok := compare(args[0], v); ok && order == 0 {
			return boolValue(true)
		}
	}
	if unknown {
		return null
	}
	return boolValue(false)
}

func coalesce(_ *opContext, args []Value) Value {
	for _, v := range args {
		if !v.Null {
			return v
		}
	}
	return null
}

// extreme skips NULLs, as Postgres does.
func extreme(sign int) func(*opContext, []Value) Value {
	return func(_ *opContext, args []Value) Value {
		best := null
		for _, v := range args {
			if v.Null {
				continue
			}
			if order, ok := compare(v, best); best.Null || ok && order*sign > 0 {
				best = v
			}
		}
		return best
	}
}
