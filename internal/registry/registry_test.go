package registry

import (
	"strings"
	"testing"
)

func TestGet_unknownNameListsTheKnownOnes(t *testing.T) {
	r := New[int]("layer")
	r.Add("sage", 1)
	r.Add("gin", 2)
	if v, err := r.Get("gin"); err != nil || v != 2 {
		t.Fatalf("Get(gin) = %d, %v", v, err)
	}
	_, err := r.Get("sgae")
	want := `unknown layer "sgae" (have gin, sage)`
	if err == nil || err.Error() != want {
		t.Fatalf("error %v, want %s", err, want)
	}
}

func TestAdd_twicePanics(t *testing.T) {
	r := New[int]("layer")
	r.Add("sage", 1)
	defer func() {
		if p := recover(); p == nil || !strings.Contains(p.(string), `"sage" registered twice`) {
			t.Fatalf("panic %v", p)
		}
	}()
	r.Add("sage", 2)
}
