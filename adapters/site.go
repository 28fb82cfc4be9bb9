package adapters

import (
	"net/url"
	"regexp"
	"strings"
)

// hostPattern is of a name in ASCII or an IPv4 address; international names come in their xn-- form.
var hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$`)

// Site is the form in which sites are compared and stored as a store's domain: host, port and path in lower-case host,
// without scheme and trailing slash. "" where the text is no address.
func Site(text string) string {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	} else if !hostPattern.MatchString(host) {
		return ""
	}
	if port := u.Port(); port != "" && (port != "443" || u.Scheme != "https") && (port != "80" || u.Scheme != "http") {
		host += ":" + port
	}
	return host + strings.TrimRight(u.EscapedPath(), "/")
}
