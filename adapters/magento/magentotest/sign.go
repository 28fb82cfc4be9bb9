package magentotest

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Variant is which of Magento's two code bases checks signatures. Neither does it by RFC 5849.
type Variant string

// The variants: Laminas sorts encoded names naturally and leaves default ports out; the code that replaced it in 2.4.8 sorts plain
// names by their bytes and signs the host as it was sent.
const (
	V247 Variant = "2.4.7"
	V248 Variant = "2.4.8"
)

// parameters are a request's, as Magento collects them: of the header, and of the query where a pair has exactly one "=".
func parameters(r *http.Request) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "OAuth "), ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if ok && strings.HasPrefix(name, "oauth_") {
			out[name] = rawDecode(strings.Trim(value, `"`))
		}
	}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair := strings.Split(part, "="); len(pair) == 2 {
			out[rawDecode(pair[0])] = rawDecode(pair[1])
		}
	}
	return out
}

// rawDecode is PHP's rawurldecode: a plus stays a plus.
func rawDecode(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// rawEncode is PHP's rawurlencode.
func rawEncode(text string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var b strings.Builder
	for _, c := range []byte(text) {
		if strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)+256, 16)[1:]))
	}
	return b.String()
}

// signature is what Magento holds a request's against.
func (v Variant) signature(r *http.Request, scheme string, params map[string]string, secret, tokenSecret string) string {
	names := make([]string, 0, len(params))
	for name := range params {
		if name != "oauth_signature" {
			names = append(names, name)
		}
	}
	host := strings.ToLower(r.Host)
	if v == V247 {
		slices.SortFunc(names, func(a, b string) int { return natural(rawEncode(a), rawEncode(b)) })
		if scheme == "https" {
			host = strings.TrimSuffix(host, ":443")
		} else {
			host = strings.TrimSuffix(host, ":80")
		}
	} else {
		slices.Sort(names)
	}
	pairs := make([]string, len(names))
	for i, name := range names {
		pairs[i] = rawEncode(name) + "=" + rawEncode(params[name])
	}
	base := r.Method + "&" + rawEncode(scheme+"://"+host+r.URL.EscapedPath()) + "&" + rawEncode(strings.Join(pairs, "&"))
	mac := hmac.New(sha256.New, []byte(rawEncode(secret)+"&"+rawEncode(tokenSecret)))
	mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// natural is PHP's strnatcmp for what occurs here: runs of digits count by their value.
func natural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			va, _ := strconv.Atoi(a[:na])
			vb, _ := strconv.Atoi(b[:nb])
			if c := cmp.Compare(va, vb); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if c := cmp.Compare(a[0], b[0]); c != 0 {
			return c
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(text string) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
