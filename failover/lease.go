package failover

// LeaseName is the name of the TXT set that holds the lease of a published name.
func LeaseName(record string) string { return "_rrwatch." + record }
