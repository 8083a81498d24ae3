package shop

import (
	"math/rand/v2"
)

var (
	nameHeads = []string{"Al", "Bel", "Cor", "Dan", "El", "Fen", "Gal", "Hol", "Is", "Kar", "Lum", "Mar", "Nor", "Or", "Pel", "Quin", "Ros", "Sol", "Tar", "Vel"}
	nameTails = []string{"bex", "dane", "fort", "gard", "lin", "mont", "nova", "ora", "pine", "sted", "tor", "wick"}
	nameForms = []string{"Works", "Trading", "and Sons", "Goods", "Supply"}

	notes = []string{
		"prefers delivery after six", "asked for invoices by post", "called about gift cards",
		"moved house, address checked", "leave parcels with the neighbour", "wants no phone calls",
	}
	adjectives = []string{"sturdy", "light", "compact", "classic", "foldable", "quiet", "washable", "handmade", "slim", "bright"}
	materials  = []string{"steel", "oak", "cotton", "glass", "recycled plastic", "aluminium", "ceramic", "bamboo"}
	uses       = []string{"for every day", "for small homes", "for travel", "for beginners", "for the whole family", "for heavy use"}

	singular = map[string]string{
		"audio": "speaker", "bath": "towel", "books": "cookbook", "camping": "tent", "garden": "trowel", "kitchen": "pan",
		"lighting": "lamp", "office": "binder", "pets": "leash", "sports": "racket", "tools": "drill", "toys": "puzzle",
	}
	reasons = []string{"defective", "not as described", "wrong size", "changed mind"}
)

// describe writes a product's text.
func describe(r *rand.Rand, category string) string {
	return pick(r, adjectives) + " " + singular[category] + " of " + pick(r, materials) + " " + pick(r, uses)
}

// The topics of tickets.
const (
	topicDamaged  = "damaged"
	topicLate     = "late delivery"
	topicBilling  = "billing"
	topicQuestion = "question"
)

var openings = map[string][]string{
	topicDamaged:  {"The item arrived broken.", "It stopped working after a week.", "Parts were missing from the box."},
	topicLate:     {"My parcel is late.", "The delivery date has passed.", "Tracking has not moved for days."},
	topicBilling:  {"I was charged twice.", "The invoice does not match my order.", "The discount was not applied."},
	topicQuestion: {"How do I change my address?", "Is this available in blue?", "Can I add an item to my order?"},
}

var (
	angry = []string{"I am very disappointed.", "This is the second time, unacceptable.", "I want my money back, terrible service."}
	calm  = []string{"Please have a look when you can.", "Thank you for your help.", "Kind regards."}
)

// complain writes a ticket's text; an upset customer can be told only from it.
func complain(r *rand.Rand, topic string, upset bool) string {
	tone := calm
	if upset {
		tone = angry
	}
	return pick(r, openings[topic]) + " " + pick(r, tone)
}
