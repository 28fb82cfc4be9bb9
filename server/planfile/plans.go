package planfile

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed plans/*.yaml
var readyMade embed.FS

// ReadyMade lists the names of the plans that come with Upline, sorted.
func ReadyMade() ([]string, error) {
	entries, err := readyMade.ReadDir("plans")
	if err != nil {
		return nil, fmt.Errorf("list ready-made plans: %w", err)
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".yaml")
	}
	return names, nil
}

// ReadyMadeYAML is the text of a ready-made plan, for Read and for people to begin with.
func ReadyMadeYAML(name string) ([]byte, error) {
	text, err := readyMade.ReadFile(path.Join("plans", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("ready-made plan %q: %w", name, err)
	}
	return text, nil
}
