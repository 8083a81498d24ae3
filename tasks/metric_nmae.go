package tasks

import "errors"

func init() {
	metrics.Add("nmae", metricMaker{quantities, 4, func(s *Scaling) (Metric, error) {
		if s == nil {
			return nil, errors.New("metric nmae needs the scale of the training labels")
		}
		std := s.Std
		if std == 0 {
			std = 1 // constant training labels: the plain mean absolute error
		}
		return measure{"nmae", false, func(truth, predicted []float64) float64 {
			return meanAbsolute(truth, predicted) / std
		}}, nil
	}})
}
