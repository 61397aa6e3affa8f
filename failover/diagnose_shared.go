package failover

import "rrwatch/probe"

func alike(a, b *probe.Result) bool { return a.Reason == b.Reason }
