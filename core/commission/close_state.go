package commission

// State is what one close leaves behind for the next, by component; each component's file says what is in its own.
type State struct {
	Binary  map[string]BinaryState  `json:"binary,omitempty"`
	Advance map[string]AdvanceState `json:"advance,omitempty"`
}

// BinaryState is carried volume by position: micro-units, oldest period first.
type BinaryState struct{}
