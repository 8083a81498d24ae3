package tasks

func init() { types.Add(Forecasting, forecastingType{}) }

// forecastingType has one output per timeframe, all in the units of the labels of all
// timeframes; its loss is that of a regression over all of them. A target has a label for
// each output.
type forecastingType struct{ regressionType }

func (forecastingType) Outputs(s *Scaling) int { return s.Frames }
