package model

import _ "github.com/rowlink/rowlink/gnn/conv/gorgonia" // its layers take part in the tests over all layers
