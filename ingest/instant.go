package ingest

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseInstant reads YYYY-MM-DD, then optionally a time of day behind a blank or T,
// then optionally a zone (Z, UTC, +hh, +hhmm, +hh:mm, with a name behind it as Go's
// time.Time prints it), as microseconds since 1970 in UTC. Without zone it is UTC.
func ParseInstant(s string) (micros int64, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(s[0:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if t.Day() != d || int(t.Month()) != m {
		return 0, false
	}
	micros = t.UnixMicro()
	rest := s[10:]
	if rest == "" {
		return micros, true
	}
	if rest[0] != ' ' && rest[0] != 'T' && rest[0] != 't' {
		return 0, false
	}
	day, rest, ok := dayTime(strings.TrimLeft(rest[1:], " "))
	if !ok {
		return 0, false
	}
	offset, ok := zoneOffset(rest)
	return micros + day - offset, ok
}

// dayTime reads hh:mm[:ss[.fraction]] as microseconds since midnight, rounded.
func dayTime(s string) (micros int64, rest string, ok bool) {
	if len(s) < 5 || s[2] != ':' {
		return 0, "", false
	}
	h, ok1 := digits(s[0:2])
	m, ok2 := digits(s[3:5])
	sec := 0
	ok3 := true
	rest = s[5:]
	if len(rest) >= 3 && rest[0] == ':' {
		sec, ok3 = digits(rest[1:3])
		rest = rest[3:]
		if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
			n := 1
			for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
				n++
			}
			f, err := strconv.ParseFloat("0."+rest[1:n], 64)
			if err != nil {
				return 0, "", false
			}
			micros, rest = int64(math.Round(f*1e6)), rest[n:]
		}
	}
	ok = ok1 && ok2 && ok3 && m < 60 && sec <= 60 && (h < 24 || h == 24 && m == 0 && sec == 0 && micros == 0)
	return micros + int64(h*3600+m*60+sec)*1e6, rest, ok
}

// zoneOffset reads the zone behind a time of day as microseconds east of Greenwich.
func zoneOffset(s string) (micros int64, ok bool) {
	s = strings.TrimSpace(s)
	switch {
	case s == "" || s == "Z" || s == "z" || s == "UTC" || s == "GMT":
		return 0, true
	case s[0] != '+' && s[0] != '-':
		return 0, false
	}
	text, name, _ := strings.Cut(s[1:], " ") // "+0200 CEST", "+0000 UTC m=+0.5"
	if name != "" && (name[0] >= '0' && name[0] <= '9') {
		return 0, false
	}
	text = strings.Replace(text, ":", "", 1)
	if len(text) == 2 {
		text += "00"
	}
	h, ok1 := digits(text[:min(2, len(text))])
	m, ok2 := digits(text[min(2, len(text)):])
	if !ok1 || !ok2 || len(text) != 4 || h > 15 || m > 59 {
		return 0, false
	}
	micros = int64(h*3600+m*60) * 1e6
	if s[0] == '-' {
		micros = -micros
	}
	return micros, true
}

// ParseTimeOfDay reads hh:mm[:ss[.fraction]] as seconds since midnight; a zone is dropped.
func ParseTimeOfDay(s string) (seconds float64, ok bool) {
	micros, rest, ok := dayTime(strings.TrimSpace(s))
	if !ok {
		return 0, false
	}
	if _, ok = zoneOffset(rest); !ok {
		return 0, false
	}
	return float64(micros) / 1e6, true
}

// digits reads a short run of decimal digits.
func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, len(s) > 0
}
