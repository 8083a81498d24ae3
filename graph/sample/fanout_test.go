package sample_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/rowlink/rowlink/graph/sample"
)

func TestFanOutByEdge(t *testing.T) {
	g := shop(2, 2, 4).graph(t)
	got, err := sample.FanOutByEdge(g, map[string][]int{"facts.user_id": {4}, "facts.f2p_item_id": {5}, "facts.rev_f2p_item_id": {0}})
	if want := map[int][]int{0: {4}, 2: {5}, 3: {0}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("fan-outs %v, error %v; want %v", got, err, want)
	}
	if got, err := sample.FanOutByEdge(g, nil); got != nil || err != nil {
		t.Errorf("without names: %v, error %v", got, err)
	}
	_, err = sample.FanOutByEdge(g, map[string][]int{"users.id": {4}})
	var unknown *sample.UnknownEdgeError
	if !errors.As(err, &unknown) || unknown.Name != "users.id" || !reflect.DeepEqual(unknown.Have, []string{"facts.user_id", "facts.item_id"}) {
		t.Errorf("error %v", err)
	}
}
