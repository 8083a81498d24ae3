package predict

import "time"

// instant prints microseconds UTC.
func instant(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339) }
