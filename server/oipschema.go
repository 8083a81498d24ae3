package server

import (
	"github.com/danielgtaylor/huma/v2"
)

// The schemas of the Open Inference Protocol's bodies in the OpenAPI document. What they
// cannot say (that data fits shape and datatype, that names exist) answers 422.

func oipText(values ...any) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Enum: values} }

func oipList(items *huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: items}
}

func oipObject(required []string, properties map[string]*huma.Schema) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Required: required, Properties: properties}
}

// oipFilled returns a copy of a text or an array that may not be empty.
func oipFilled(s *huma.Schema) *huma.Schema {
	c, one := *s, 1
	if c.Type == huma.TypeString {
		c.MinLength = &one
	} else {
		c.MinItems = &one
	}
	return &c
}

var (
	oipDatatypes = []any{"BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP32", "FP64", "BYTES"}
	oipShape     = oipFilled(oipList(&huma.Schema{Type: huma.TypeInteger, Minimum: new(float64)}))
	oipScalar    = &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}, {Type: huma.TypeBoolean}}}
	oipParams    = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: oipScalar}

	oipHealthSchema = oipObject([]string{"live", "ready"}, map[string]*huma.Schema{"live": {Type: huma.TypeBoolean}, "ready": {Type: huma.TypeBoolean}})
	oipErrorSchema  = oipObject([]string{"error"}, map[string]*huma.Schema{"error": oipText()})
	oipServerSchema = oipObject([]string{"name", "version", "extensions"},
		map[string]*huma.Schema{"name": oipText(), "version": oipText(), "extensions": oipList(oipText())})
	oipModelsSchema = oipObject([]string{"models"}, map[string]*huma.Schema{"models": oipList(oipText())})
	oipIndexSchema  = oipList(oipObject([]string{"name", "version", "state"},
		map[string]*huma.Schema{"name": oipText(), "version": oipText(), "state": oipText("READY")}))
	oipModelReadySchema = oipObject([]string{"name", "ready"}, map[string]*huma.Schema{"name": oipText(), "ready": {Type: huma.TypeBoolean}})
	oipTensors          = oipList(oipObject([]string{"name", "datatype", "shape"},
		map[string]*huma.Schema{"name": oipText(), "datatype": oipText(oipDatatypes...), "shape": oipList(&huma.Schema{Type: huma.TypeInteger})}))
	oipModelSchema = oipObject([]string{"name", "platform", "inputs", "outputs"},
		map[string]*huma.Schema{"name": oipText(), "versions": oipList(oipText()), "platform": oipText(), "inputs": oipTensors, "outputs": oipTensors})

	oipRequestSchema = oipObject([]string{"inputs"}, map[string]*huma.Schema{
		"id": oipText(),
		"parameters": {Type: huma.TypeObject, AdditionalProperties: oipScalar,
			Description: "interval: share of values that lower and upper are to hold; explain: items per entity; top_k: items of a ranking"},
		"inputs": oipFilled(oipList(oipObject([]string{"name", "shape", "datatype"}, map[string]*huma.Schema{
			"name": oipFilled(oipText()), "datatype": oipText(oipDatatypes...), "shape": oipShape, "parameters": oipParams,
			"data": {Type: huma.TypeArray, Items: &huma.Schema{}, Description: "flat or nested as the shape says; absent where parameters.binary_data_size names bytes behind the JSON"}}))),
		"outputs": oipList(oipObject([]string{"name"}, map[string]*huma.Schema{"name": oipFilled(oipText()), "parameters": oipParams})),
	})
	oipAnswerSchema = oipObject([]string{"model_name", "outputs"}, map[string]*huma.Schema{
		"model_name": oipText(), "model_version": oipText(), "id": oipText(), "parameters": oipParams,
		"outputs": oipList(oipObject([]string{"name", "shape", "datatype"}, map[string]*huma.Schema{
			"name": oipText(), "shape": oipShape, "datatype": oipText("BOOL", "INT64", "FP64", "BYTES"), "parameters": oipParams,
			"data": oipList(oipScalar)})),
	})
)
