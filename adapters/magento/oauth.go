package magento

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// Keys are a Magento integration's OAuth 1.0a credentials. Token and TokenSecret are empty before the handshake.
type Keys struct {
	ConsumerKey, ConsumerSecret string
	Token, TokenSecret          string
}

// pair is one request parameter.
type pair struct{ name, value string }

// signed builds the Authorization header of one request by OAuth 1.0a with HMAC-SHA256, the only method Magento takes. Magento's two
// code bases differ from each other and from RFC 5849; what is sent here is what all three agree on: every name has a value and stands
// once, blanks are %20, the host is in lower case and without a default port. scheme is the one Magento sees, which behind a proxy
// may not be that of address.
func (k Keys) signed(method string, address *url.URL, scheme, nonce, timestamp string, more ...pair) (string, error) {
	oauth := append([]pair{
		{"oauth_consumer_key", k.ConsumerKey},
		{"oauth_nonce", nonce},
		{"oauth_signature_method", "HMAC-SHA256"},
		{"oauth_timestamp", timestamp},
		{"oauth_version", "1.0"},
	}, more...)
	if k.Token != "" {
		oauth = append(oauth, pair{"oauth_token", k.Token})
	}
	query, err := url.ParseQuery(address.RawQuery)
	if err != nil {
		return "", err
	}
	all := slices.Clone(oauth)
	for name, values := range query {
		for _, value := range values {
			all = append(all, pair{name, value})
		}
	}
	base := method + "&" + encode(scheme+"://"+host(address, scheme)+address.EscapedPath()) + "&" + encode(joined(all))
	mac := hmac.New(sha256.New, []byte(encode(k.ConsumerSecret)+"&"+encode(k.TokenSecret)))
	mac.Write([]byte(base))
	oauth = append(oauth, pair{"oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))})
	slices.SortFunc(oauth, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	parts := make([]string, len(oauth))
	for i, p := range oauth {
		parts[i] = encode(p.name) + `="` + encode(p.value) + `"`
	}
	return "OAuth " + strings.Join(parts, ", "), nil
}

// host is the address's host as Magento signs it.
func host(address *url.URL, scheme string) string {
	h := strings.ToLower(address.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[scheme]; port != "" {
		h = strings.TrimSuffix(h, port)
	}
	return h
}

// joined are the parameters as one text, sorted by their encoded names and then values.
func joined(all []pair) string {
	encoded := make([]pair, len(all))
	for i, p := range all {
		encoded[i] = pair{encode(p.name), encode(p.value)}
	}
	slices.SortFunc(encoded, func(a, b pair) int { return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value)) })
	return queryText(encoded)
}

func queryText(encoded []pair) string {
	parts := make([]string, len(encoded))
	for i, p := range encoded {
		parts[i] = p.name + "=" + p.value
	}
	return strings.Join(parts, "&")
}

// encode is percent-encoding by RFC 3986: all but letters, digits and -._~.
func encode(text string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(text))
}

// otherScheme is http for https and the other way round.
func otherScheme(scheme string) string {
	if scheme == "https" {
		return "http"
	}
	return "https"
}
