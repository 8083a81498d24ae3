package csvdir

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/sourcetest"
	"github.com/rowlink/rowlink/schema"
)

// folder writes files, name and text in turn, into a new folder.
func folder(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSource_contract(t *testing.T) {
	want := sourcetest.Fixture(t)
	var ddl []string
	for _, s := range sourcetest.Statements() {
		if strings.HasPrefix(s, "CREATE") {
			ddl = append(ddl, s)
		}
	}
	files := []string{"schema.sql", strings.Join(ddl, ";\n")}
	for _, table := range want.Tables {
		files = append(files, table.Def.Name+".csv", export(table))
	}
	sourcetest.Run(t, want, "csv:"+folder(t, files...), ingest.OpenOptions{})
}

// export writes a table as COPY does.
func export(t *ingest.Table) string {
	var b strings.Builder
	line := func(field func(c int) string) {
		fields := make([]string, len(t.Columns))
		for c := range fields {
			fields[c] = field(c)
		}
		b.WriteString(strings.Join(fields, ",") + "\r\n")
	}
	line(func(c int) string { return t.Def.Columns[c].Name })
	for r := range t.Rows {
		line(func(c int) string { return cell(&t.Def.Columns[c], t.Columns[c].Value(r)) })
	}
	return b.String()
}

func cell(c *schema.Column, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
	case []byte:
		return `\x` + hex.EncodeToString(v)
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999+00")
	case float64:
		if c.Name == "pickup" {
			return time.Time{}.Add(time.Duration(v * 1e9)).Format("15:04:05.999")
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}
