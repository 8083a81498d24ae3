package server_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/rowlink/rowlink/server"
)

// oracle knows one task and predicts true for every key.
type oracle struct{}

func (oracle) Tasks(context.Context) ([]server.TaskInfo, error) {
	return []server.TaskInfo{{Name: "churn", Type: "binary_classification", Serving: "1"}}, nil
}

func (oracle) Models(context.Context) ([]server.ModelInfo, error) {
	return []server.ModelInfo{{Task: "churn", Version: "1", Serving: true}}, nil
}

func (oracle) Predict(_ context.Context, req server.PredictRequest) (*server.PredictAnswer, error) {
	a := &server.PredictAnswer{Type: "binary_classification", Version: "1", Regime: "rolling",
		Anchor: req.Anchor, DataUntil: time.Date(2020, 9, 22, 0, 0, 0, 0, time.UTC)}
	for i := range req.Entities {
		p := 0.875
		a.Predictions = append(a.Predictions, server.Prediction{Index: i, Value: true, Probability: &p, Eligible: true})
	}
	return a, nil
}

func Example() {
	s, err := server.New(server.Options{Backend: oracle{}})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/tasks/churn/predict",
		strings.NewReader(`{"entities": [9007199254740993], "anchor": "2020-09-22T00:00:00Z"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"task":"churn","type":"binary_classification","model":{"version":"1"},"anchor":"2020-09-22T00:00:00Z","data_until":"2020-09-22T00:00:00Z","regime":"rolling","predictions":[{"index":0,"entity":9007199254740993,"prediction":true,"probability":0.875,"eligible":true}],"errors":[]}
}
