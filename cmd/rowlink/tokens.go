package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rowlink/rowlink/workspace"
)

func init() { subcommands.Add("tokens", tokensCommand) }

func tokensCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "Make, list and revoke the tokens that clients of rowlink serve show",
		Long: `A workspace with tokens lets no request in without one, probes of balancers aside. A token has one
scope, which includes those before it: read (tasks, models, metrics, pages), predict, train (tasks,
training, batches), admin (what is in service). Only its hash is stored: the token is printed once.`,
		Example: "  rowlink tokens create shop-backend --scope predict\n  rowlink tokens revoke shop-backend",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.createToken(), a.listTokens(), a.revokeToken())
	return cmd
}

func (a *app) createToken() *cobra.Command {
	scope, ifMissing := "predict", false
	cmd := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a token and print it, once",
		Example: "  rowlink tokens create grafana --scope read",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			have, err := w.Tokens()
			if err != nil {
				return err
			}
			if ifMissing && slices.ContainsFunc(have, func(t workspace.Token) bool { return t.Name == args[0] }) {
				a.say("there is a token %s already", args[0])
				return nil
			}
			secret, err := w.CreateToken(args[0], scope)
			if err != nil {
				return usageError{err}
			}
			a.say("token %s may %s; it cannot be shown again. Clients send the header Authorization: Bearer TOKEN", args[0], scope)
			return a.print(map[string]string{"name": args[0], "scope": scope, "token": secret}, func(out io.Writer) error {
				_, err := fmt.Fprintln(out, secret)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&ifMissing, "if-missing", false, "change nothing where there is a token of that name")
	cmd.Flags().StringVar(&scope, "scope", scope, "what it allows: "+strings.Join(workspace.Scopes, ", ")+"; each includes those before it")
	return cmd
}

// shownToken is a token without its hash, which is of no use to people.
type shownToken struct {
	Name    string    `json:"name"`
	Scope   string    `json:"scope"`
	Created time.Time `json:"created"`
}

func (a *app) listTokens() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tokens",
		Example: "  rowlink tokens list",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			tokens, err := w.Tokens()
			if err != nil {
				return err
			}
			list, rows := []shownToken{}, []string{"name\tscope\tcreated"}
			for _, t := range tokens {
				list = append(list, shownToken{t.Name, t.Scope, t.Created})
				rows = append(rows, t.Name+"\t"+t.Scope+"\t"+t.Created.Format("2006-01-02 15:04"))
			}
			return a.print(list, func(out io.Writer) error {
				if len(list) == 0 {
					_, err := fmt.Fprintf(out, "no token in workspace %s: whoever reaches the server is let in\n", w.Dir())
					return err
				}
				return table(out, rows...)
			})
		},
	}
}

func (a *app) revokeToken() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Revoke a token; servers stop to take it within seconds",
		Example: "  rowlink tokens revoke grafana",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			w, err := workspace.Open(a.workspace)
			if err != nil {
				return err
			}
			if err := w.RevokeToken(args[0]); err != nil {
				return usageError{err}
			}
			return a.print(map[string]string{"revoked": args[0]}, func(out io.Writer) error {
				_, err := fmt.Fprintf(out, "token %s is revoked\n", args[0])
				return err
			})
		},
	}
}
