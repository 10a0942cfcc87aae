package kaleidoscope

// QueueState returns how many calls wait for the queue, how many were ever submitted to it, and whether it is being drained.
func QueueState() (waiting int, submitted uintptr, isDraining bool) {
	q, err := completions()
	if err != nil {
		panic(err)
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return len(q.waiting), q.last, q.draining
}

// TakeSlots takes all slots for calls of the library, until the function that it returns is called.
func TakeSlots() (release func()) {
	for range cap(slots) {
		slots <- struct{}{}
	}
	return func() {
		for range cap(slots) {
			<-slots
		}
	}
}
