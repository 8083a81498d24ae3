// Command shopseed writes the generated shop into a database:
//
//	go run ./internal/shop/shopseed --sqlite shop.db
//	go run ./internal/shop/shopseed --postgres postgres://user@host/shop --if-missing
//	go run ./internal/shop/shopseed --sql shop.sql
//
// Without --postgres the URL comes from SHOP_DATABASE_URL, so that a password need
// not stand on a command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/rowlink/rowlink/internal/shop"
)

type target struct {
	postgres, schema string
	ifMissing        bool
	sqlite, sql      string
}

func (t target) empty() bool { return t.postgres == "" && t.sqlite == "" && t.sql == "" }

func main() {
	var to target
	var o shop.Options
	flag.StringVar(&to.postgres, "postgres", "", "write into the database of this URL (default $SHOP_DATABASE_URL)")
	flag.StringVar(&to.schema, "schema", "public", "schema to write into, with --postgres")
	flag.BoolVar(&to.ifMissing, "if-missing", false, "do nothing if the schema holds a shop already, with --postgres")
	flag.StringVar(&to.sqlite, "sqlite", "", "write a new SQLite file at this path")
	flag.StringVar(&to.sql, "sql", "", "write a psql script at this path; - is standard output")
	flag.IntVar(&o.Customers, "customers", 0, "number of customers (default 5000)")
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of every random choice")
	flag.Parse()
	if to.postgres == "" { // no flag default: usage would print the password
		to.postgres = os.Getenv("SHOP_DATABASE_URL")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := seed(ctx, to, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "shopseed:", err)
		stop()
		os.Exit(1)
	}
}

func seed(ctx context.Context, to target, o shop.Options, out, progress io.Writer) error {
	if to.empty() {
		return errors.New("nowhere to write; name --postgres URL, --sqlite PATH or --sql PATH")
	}
	if to.postgres != "" && to.ifMissing {
		have, err := shop.Seeded(ctx, to.postgres, to.schema)
		if err != nil {
			return err
		}
		if have {
			fmt.Fprintf(progress, "schema %s holds a shop already; left as it is\n", to.schema)
			to.postgres = ""
		}
	}
	if to.empty() {
		return nil
	}
	d := shop.Generate(o)
	if to.postgres != "" {
		if err := d.WritePostgres(ctx, to.postgres, to.schema); err != nil {
			return err
		}
	}
	if to.sqlite != "" {
		if err := d.WriteSQLite(ctx, to.sqlite); err != nil {
			return err
		}
	}
	if to.sql != "" {
		if err := writeScript(d, to.sql, out); err != nil {
			return err
		}
	}
	fmt.Fprintf(progress, "wrote %d customers, %d orders, %d order lines\n", len(d.Customers), len(d.Orders), len(d.Lines))
	return nil
}

func writeScript(d *shop.Database, path string, out io.Writer) error {
	if path == "-" {
		return d.WriteSQL(out)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(d.WriteSQL(f), f.Close())
}
