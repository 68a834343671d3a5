package trace

import (
	"bytes"
	"errors"
	"io"
)

// azureHeader is the first line of the published files.
const azureHeader = "TIMESTAMP,ContextTokens,GeneratedTokens"

// readAzure reads lines like
//
//	2023-11-16 18:15:46.6805900,374,44          (2023: 100 ns, no zone)
//	2024-05-10 00:00:00.009930+00:00,2162,5     (2024: µs and zone)
//
// Times become seconds from the first request.
func readAzure(r io.Reader, name string, lim Limits) (*Trace, error) {
	t := &Trace{Name: name}
	l := newLines(name, r, lim.LineBytes)
	head, err := l.next()
	if errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Line: 1, Msg: "empty file, expected the header " + azureHeader, Err: ErrEmpty}
	}
	if err != nil {
		return nil, err
	}
	head = bytes.TrimPrefix(head, []byte("\ufeff"))
	if !bytes.EqualFold(bytes.TrimSpace(head), []byte(azureHeader)) {
		return nil, l.errorf("header %s, expected %s", excerpt(head), azureHeader)
	}
	var first, last int64 // 100 ns since 1970
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		a, rest, ok1 := bytes.Cut(line, []byte{','})
		b, c, ok2 := bytes.Cut(rest, []byte{','})
		if !ok1 || !ok2 || bytes.IndexByte(c, ',') >= 0 {
			return nil, l.errorf("%s: expected three fields: time, context tokens, generated tokens (truncated?)", excerpt(line))
		}
		at, ok := parseStamp(bytes.TrimSpace(a))
		if !ok {
			return nil, l.errorf("time %s: expected YYYY-MM-DD hh:mm:ss.fraction with an optional zone", excerpt(a))
		}
		prompt, msg := parseTokens(bytes.TrimSpace(b), lim.Tokens)
		if msg != "" {
			return nil, l.errorf("context tokens %s: %s", excerpt(b), msg)
		}
		output, msg := parseTokens(bytes.TrimSpace(c), lim.Tokens)
		if msg != "" {
			return nil, l.errorf("generated tokens %s: %s", excerpt(c), msg)
		}
		if len(t.Requests) == 0 {
			first, last = at, at
		}
		if at < last {
			return nil, l.errorf("time %s is before that of the line above: expected requests in order of arrival", excerpt(a))
		}
		if len(t.Requests) >= lim.Requests {
			return nil, l.errorf("more than %d requests", lim.Requests)
		}
		last = at
		t.Requests = append(t.Requests, Request{ArriveSec: float64(at-first) * 1e-7, Prompt: prompt, Output: output})
	}
	if len(t.Requests) == 0 {
		return nil, &Error{File: name, Line: l.no, Msg: "only a header", Err: ErrEmpty}
	}
	return t, nil
}

// parseTokens reads a whole number from 1 to limit; msg says what is wrong.
func parseTokens(b []byte, limit int) (n int32, msg string) {
	if len(b) == 0 {
		return 0, "expected a whole number, found nothing (truncated?)"
	}
	if b[0] == '-' {
		return 0, "negative, expected at least 1"
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, "expected a whole number"
		}
		v = v*10 + int64(c-'0')
		if v > int64(limit) {
			return 0, "more than the limit of " + itoa(limit)
		}
	}
	if v == 0 {
		return 0, "zero, expected at least 1"
	}
	return int32(v), ""
}

func itoa(n int) string {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		n /= 10
		if n == 0 {
			return string(b[i:])
		}
	}
}

// parseStamp reads a time stamp to 100 ns since 1970-01-01, the clock of the
// published files. It allocates nothing.
func parseStamp(b []byte) (int64, bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || (b[10] != ' ' && b[10] != 'T') || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	hour, ok4 := digits(b[11:13])
	minute, ok5 := digits(b[14:16])
	second, ok6 := digits(b[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || year < 1970 || month < 1 || month > 12 || day < 1 ||
		day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest := b[19:]
	var frac int64
	if len(rest) > 0 && rest[0] == '.' {
		rest = rest[1:]
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			if n < 7 {
				frac = frac*10 + int64(rest[n]-'0')
			}
			n++
		}
		if n == 0 || n > 12 {
			return 0, false
		}
		for k := n; k < 7; k++ {
			frac *= 10
		}
		rest = rest[n:]
	}
	var zone int64 // seconds east
	switch {
	case len(rest) == 0, len(rest) == 1 && rest[0] == 'Z':
	case len(rest) == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		zh, ok1 := digits(rest[1:3])
		zm, ok2 := digits(rest[4:6])
		if !ok1 || !ok2 || zh > 18 || zm > 59 {
			return 0, false
		}
		zone = int64(zh)*3600 + int64(zm)*60
		if rest[0] == '-' {
			zone = -zone
		}
	default:
		return 0, false
	}
	sec := daysSince1970(year, month, day)*86400 + int64(hour)*3600 + int64(minute)*60 + int64(second) - zone
	return sec*10_000_000 + frac, true
}

func digits(b []byte) (int, bool) {
	v := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days of the Gregorian calendar (the era arithmetic of
// civil calendars with March as first month).
func daysSince1970(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	mp := int64((month + 9) % 12)
	doy := (153*mp+2)/5 + int64(day) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}
