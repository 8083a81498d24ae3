// Package nn owns trainable parameters and what is done with them: their start
// values, the small modules that every model is made of, optimisers with state that
// can be saved, gradient clipping and learning-rate schedules.
//
// Everything random is a pure function of the set's seed and the parameter's name, so
// adding a parameter does not change the others.
package nn
