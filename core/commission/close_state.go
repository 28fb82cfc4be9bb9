package commission

// State is what one close leaves behind for the next, by component; each component's file says what is in its own.
type State struct {
	Binary  map[string]BinaryState  `json:"binary,omitempty"`
	Matrix  map[string]MatrixState  `json:"matrix,omitempty"`
	Advance map[string]AdvanceState `json:"advance,omitempty"`
}

// MatrixState is which completed levels have been settled, so that none is paid twice whatever is moved later: by
// position, the levels in rising order.
type MatrixState struct {
	Period    string           `json:"period"`
	Completed map[string][]int `json:"completed"`
}
