package main

import (
	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// rowCache is the flag --row-cache.
type rowCache struct{ name string }

const noRowCache = "off"

func (r *rowCache) register(f *pflag.FlagSet) {
	f.StringVar(&r.name, "row-cache", tensor.Float32.String(),
		"how the network's rows are held between batches: float32 (same predictions), float16, bfloat16 (half the memory, rounded), off")
}

// options reads the flag.
func (r *rowCache) options() (o predict.CacheOptions, err error) {
	if r.name == noRowCache {
		return predict.CacheOptions{Off: true}, nil
	}
	if o.Format, err = tensor.ParseFormat(r.name); err != nil {
		return o, usage("", "--row-cache is %q, want %s, %s, %s or %s", r.name, tensor.Float32, tensor.Float16, tensor.BFloat16, noRowCache)
	}
	return o, nil
}
