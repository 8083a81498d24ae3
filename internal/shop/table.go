package shop

import (
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// columnType is how a column is declared.
type columnType int

const (
	typeInteger columnType = iota
	typeReal
	typeText
	typeBoolean
	typeTimestamp
	typeDate
)

// dialect is what the two databases spell differently.
type dialect struct {
	types [6]string // by columnType
	// inlineLinks declares foreign keys inside CREATE TABLE; else they are added
	// after the rows, which checks them all at once.
	inlineLinks bool
}

var (
	sqliteDialect   = dialect{[6]string{"INTEGER", "REAL", "TEXT", "BOOLEAN", "TIMESTAMP", "DATE"}, true}
	postgresDialect = dialect{[6]string{"bigint", "double precision", "text", "boolean", "timestamp", "date"}, false}
)

type column struct {
	name     string
	typ      columnType
	nullable bool
}

type link struct {
	columns []string
	to      string
	ref     []string
}

// table is one table as the writers see it.
type table struct {
	name    string
	columns []column
	key     []string
	links   []link
	rows    int
	row     func(i int) []any // nil = NULL; int64, float64, string, bool, time.Time
}

// tables returns all tables, parents before children.
func (d *Database) tables() []table {
	return []table{
		{"suppliers", []column{{"supplier_id", typeInteger, false}, {"name", typeText, false}, {"country", typeText, false}, {"rating", typeReal, true}},
			[]string{"supplier_id"}, nil, len(d.Suppliers), func(i int) []any {
				r := &d.Suppliers[i]
				return []any{r.ID, r.Name, r.Country, null(r.Rating)}
			}},
		{"products", []column{{"product_id", typeInteger, false}, {"supplier_id", typeInteger, false}, {"category", typeText, false}, {"brand", typeText, false},
			{"price", typeReal, false}, {"description", typeText, true}, {"listed_on", typeDate, false}},
			[]string{"product_id"}, []link{to("suppliers", "supplier_id")}, len(d.Products), func(i int) []any {
				r := &d.Products[i]
				return []any{r.ID, r.Supplier, r.Category, r.Brand, r.Price, null(r.Description), r.ListedOn}
			}},
		{"stores", []column{{"store_id", typeInteger, false}, {"city", typeText, false}, {"region", typeText, false}, {"opened_on", typeDate, false}},
			[]string{"store_id"}, nil, len(d.Stores), func(i int) []any {
				r := &d.Stores[i]
				return []any{r.ID, r.City, r.Region, r.OpenedOn}
			}},
		{"customers", []column{{"customer_id", typeInteger, false}, {"signed_up_at", typeTimestamp, false}, {"region", typeText, false}, {"age", typeInteger, true},
			{"newsletter", typeBoolean, false}, {"referred_by", typeInteger, true}, {"note", typeText, true}},
			[]string{"customer_id"}, []link{{[]string{"referred_by"}, "customers", []string{"customer_id"}}}, len(d.Customers), func(i int) []any {
				r := &d.Customers[i]
				return []any{r.ID, r.SignedUpAt, r.Region, null(r.Age), r.Newsletter, null(r.ReferredBy), null(r.Note)}
			}},
		{"orders", []column{{"order_id", typeInteger, false}, {"customer_id", typeInteger, false}, {"ordered_at", typeTimestamp, false},
			{"channel", typeText, false}, {"store_id", typeInteger, true}, {"total", typeReal, false}},
			[]string{"order_id"}, []link{to("customers", "customer_id"), to("stores", "store_id")}, len(d.Orders), func(i int) []any {
				r := &d.Orders[i]
				return []any{r.ID, r.Customer, r.OrderedAt, r.Channel, null(r.Store), r.Total}
			}},
		{"order_lines", []column{{"order_id", typeInteger, false}, {"line_no", typeInteger, false}, {"product_id", typeInteger, false},
			{"quantity", typeInteger, false}, {"unit_price", typeReal, false}, {"discount", typeReal, true}},
			[]string{"order_id", "line_no"}, []link{to("orders", "order_id"), to("products", "product_id")}, len(d.Lines), func(i int) []any {
				r := &d.Lines[i]
				return []any{r.Order, r.No, r.Product, r.Quantity, r.UnitPrice, null(r.Discount)}
			}},
		{"returns", []column{{"return_id", typeInteger, false}, {"order_id", typeInteger, false}, {"line_no", typeInteger, false},
			{"returned_at", typeTimestamp, false}, {"reason", typeText, false}},
			[]string{"return_id"}, []link{to("order_lines", "order_id", "line_no")}, len(d.Returns), func(i int) []any {
				r := &d.Returns[i]
				return []any{r.ID, r.Order, r.No, r.ReturnedAt, r.Reason}
			}},
		{"support_tickets", []column{{"ticket_id", typeInteger, false}, {"customer_id", typeInteger, false}, {"order_id", typeInteger, true},
			{"opened_at", typeTimestamp, false}, {"topic", typeText, false}, {"body", typeText, false}, {"resolved_at", typeTimestamp, true}},
			[]string{"ticket_id"}, []link{to("customers", "customer_id"), to("orders", "order_id")}, len(d.Tickets), func(i int) []any {
				r := &d.Tickets[i]
				return []any{r.ID, r.Customer, null(r.Order), r.OpenedAt, r.Topic, r.Body, null(r.ResolvedAt)}
			}},
	}
}

// to is a foreign key whose columns are named like the key that they point to.
func to(table string, columns ...string) link { return link{columns, table, columns} }

func null[T any](v sql.Null[T]) any {
	if !v.Valid {
		return nil
	}
	return v.V
}

// create returns the CREATE TABLE statement; prefix qualifies the names ("s." or "").
func (t *table) create(d dialect, prefix string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s%s (\n", prefix, t.name)
	for _, c := range t.columns {
		fmt.Fprintf(&b, "  %s %s", c.name, d.types[c.typ])
		if !c.nullable {
			b.WriteString(" NOT NULL")
		}
		b.WriteString(",\n")
	}
	fmt.Fprintf(&b, "  PRIMARY KEY (%s)", strings.Join(t.key, ", "))
	if d.inlineLinks {
		for _, l := range t.links {
			b.WriteString(",\n  " + l.declare(prefix))
		}
	}
	b.WriteString("\n)")
	return b.String()
}

// linkStatements returns the statements that add the foreign keys of a table.
func (t *table) linkStatements(prefix string) []string {
	var out []string
	for _, l := range t.links {
		out = append(out, fmt.Sprintf("ALTER TABLE %s%s ADD %s", prefix, t.name, l.declare(prefix)))
	}
	return out
}

func (l link) declare(prefix string) string {
	return fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s%s (%s)",
		strings.Join(l.columns, ", "), prefix, l.to, strings.Join(l.ref, ", "))
}

func (t *table) columnNames() []string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		out[i] = c.name
	}
	return out
}

// format prints a time as both databases read it.
func (c columnType) format(t time.Time) string {
	if c == typeDate {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05")
}
