package run

// Totals and Report are placeholders until the engine file lands.
type Totals struct{}
type Report struct{}
