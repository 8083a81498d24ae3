package tasks

// With one class per row the pooled F1 is the accuracy.
func init() { register(7, measure{"micro_f1", true, accuracy}, Multiclass) }
