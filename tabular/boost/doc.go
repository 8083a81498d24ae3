// Package boost owns gradient boosting of decision trees over histograms (Friedman, 2001;
// Ke et al., LightGBM, 2017): [Fit] learns a [Model] from a [Dataset], the model predicts
// ([Model.Predict]), explains a prediction ([Model.Explain], TreeSHAP) and is stored as
// JSON.
//
// # How a tree is grown
//
// Every column is cut into at most 255 bins of about equally many rows, and one more bin
// holds missing values. A tree grows leaf by leaf: the leaf whose best split gains most is
// split next. A split is found in the leaf's histogram, the sums of gradients and Hessians
// of each bin. Of two new leaves only the smaller one's histogram is built; the other is
// what remains of the parent's.
//
// # Equal bits at any number of threads
//
// Gradients are rounded to whole numbers of 18 bits before they are summed (quantise.go), so
// histograms are sums of integers: exact in whatever order threads add them, and exact
// under subtraction. Only the search for splits sees rounded gradients. The values of
// leaves come from the unrounded ones, summed in row order.
//
// # Where it differs from LightGBM
//
// The rare categories of a column beyond 255 share the bin of missing values, and that bin
// takes part in categorical splits like any category. The least number of rows per leaf
// is exact, where LightGBM takes an estimate from Hessians.
package boost
