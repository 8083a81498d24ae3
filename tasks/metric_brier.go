package tasks

func init() { register(9, measure{"brier", false, meanSquare}, Binary) }
