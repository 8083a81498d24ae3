package tql

import "time"

// splits says, for a target without a window, which rows are examples and how they are
// split (rule R13), and what of their own row they see.
func (x *explainer) splits() {
	o, t := &x.task.Options, x.sc.Tables[x.task.Entity]
	zone := time.UTC
	if o.Zone != nil {
		zone = o.Zone
	}
	x.line("labels", "one for every row whose target is known; rows where it is NULL are what is predicted")
	if t.Time == nil {
		x.line("splits", "at random by a hash of the key, seed %d: 80 %% train, 10 %% val, 10 %% test", o.Seed)
		return
	}
	date := func(at int64, otherwise string) string {
		if at == 0 {
			return otherwise
		}
		return formatDate(at, zone)
	}
	x.line("splits", "each row at its own time, zone %s: train up to %s, val up to %s, test after it", zone,
		date(o.ValAnchor, "the time by which 80 % of them came"), date(o.TestAnchor, "the time by which 90 % came"))
}
