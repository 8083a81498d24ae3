package main

// Layers that are written as expressions, beside the built-in ones.
import _ "github.com/rowlink/rowlink/gnn/conv/gorgonia"
