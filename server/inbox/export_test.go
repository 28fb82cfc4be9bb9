package inbox

// Queued tells tests how many Puts wait for the writer.
func Queued(in *Inbox) int { return len(in.queue) }
