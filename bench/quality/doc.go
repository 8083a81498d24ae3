// Package quality owns the comparison of predictors over many tasks: fourteen tasks on
// five real databases, what every predictor reached on each, and the page that says so.
// It chooses nothing: each task is one [rowlink.Database.Fit], which chooses on validation.
package quality
