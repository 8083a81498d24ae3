package parquet

import (
	"fmt"

	"github.com/apache/arrow-go/v18/parquet/file"
)

// CountRows returns how many rows the metadata of a Parquet file tell of.
func CountRows(path string) (int64, error) {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	return f.NumRows(), nil
}
