package simulator

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

// The protocol of EC2, from its service description.
const (
	ec2Version = "2016-11-15"
	ec2Xmlns   = "http://ec2.amazonaws.com/doc/2016-11-15/"
)

// operation is one action of EC2, the parameters that it needs, and those that it takes: all that the API reference names,
// so that no real client is refused, also where nothing here depends on them.
type operation struct {
	do     func(call) (any, error)
	needs  []string
	params string // parted by spaces
}

func (a *AWS) ec2Operations() map[string]operation {
	return map[string]operation{
		"DescribeAddresses":         {a.describeAddresses, nil, "Filter AllocationId PublicIp"},
		"AllocateAddress":           {a.allocateAddress, nil, "Address CustomerOwnedIpv4Pool Domain IpamPoolId NetworkBorderGroup PublicIpv4Pool TagSpecification"},
		"ReleaseAddress":            {a.releaseAddress, nil, "AllocationId PublicIp NetworkBorderGroup"},
		"AssociateAddress":          {a.associateAddress, nil, "AllocationId PublicIp InstanceId NetworkInterfaceId PrivateIpAddress AllowReassociation"},
		"DisassociateAddress":       {a.disassociateAddress, nil, "AssociationId PublicIp"},
		"DescribeInstances":         {a.describeInstances, nil, "Filter InstanceId MaxResults NextToken IncludeManagedResources"},
		"DescribeInstanceStatus":    {a.describeInstanceStatus, nil, "Filter InstanceId IncludeAllInstances MaxResults NextToken IncludeManagedResources"},
		"RunInstances":              {a.runInstances, []string{"MinCount", "MaxCount"}, runParams},
		"StopInstances":             {a.stopInstances, []string{"InstanceId"}, "Force Hibernate SkipOsShutdown"},
		"StartInstances":            {a.startInstances, []string{"InstanceId"}, "AdditionalInfo"},
		"TerminateInstances":        {a.terminateInstances, []string{"InstanceId"}, "Force SkipOsShutdown"},
		"DescribeNetworkInterfaces": {a.describeInterfaces, nil, "Filter NetworkInterfaceId MaxResults NextToken IncludeManagedResources"},
		"CreateNetworkInterface": {a.createInterface, []string{"SubnetId"}, "ClientToken ConnectionTrackingSpecification Description EnablePrimaryIpv6 " +
			"InterfaceType Ipv4Prefix Ipv4PrefixCount Ipv6AddressCount Ipv6Addresses Ipv6Prefix Ipv6PrefixCount Operator PrivateIpAddress " +
			"PrivateIpAddresses SecondaryPrivateIpAddressCount SecurityGroupId TagSpecification"},
		"DeleteNetworkInterface":       {a.deleteInterface, []string{"NetworkInterfaceId"}, ""},
		"AttachNetworkInterface":       {a.attachInterface, []string{"NetworkInterfaceId", "InstanceId", "DeviceIndex"}, "EnaQueueCount EnaSrdSpecification NetworkCardIndex"},
		"DetachNetworkInterface":       {a.detachInterface, []string{"AttachmentId"}, "Force"},
		"ModifyPublicIpDnsNameOptions": {a.modifyDNSName, []string{"NetworkInterfaceId", "HostnameType"}, ""},
		"AssignPrivateIpAddresses": {a.assignPrivate, []string{"NetworkInterfaceId"},
			"PrivateIpAddress SecondaryPrivateIpAddressCount AllowReassignment Ipv4Prefix Ipv4PrefixCount"},
		"UnassignPrivateIpAddresses": {a.unassignPrivate, []string{"NetworkInterfaceId"}, "PrivateIpAddress Ipv4Prefix"},
		"DescribeTags":               {a.describeTags, nil, "Filter MaxResults NextToken"},
		"CreateTags":                 {a.createTags, []string{"ResourceId"}, "Tag"},
		"DeleteTags":                 {a.deleteTags, []string{"ResourceId"}, "Tag"},
		"DescribeRegions":            {a.describeRegions, nil, "Filter RegionName AllRegions"},
		"DescribeAvailabilityZones":  {a.describeZones, nil, "Filter ZoneName ZoneId AllAvailabilityZones"},
		"DescribeSubnets":            {a.describeSubnets, nil, "Filter SubnetId MaxResults NextToken"},
	}
}

// runParams are the parameters of RunInstances, from the API reference.
const runParams = "AdditionalInfo BlockDeviceMapping CapacityReservationSpecification ClientToken CpuOptions CreditSpecification " +
	"DisableApiStop DisableApiTermination EbsOptimized ElasticGpuSpecification ElasticInferenceAccelerator EnablePrimaryIpv6 " +
	"EnclaveOptions HibernationOptions IamInstanceProfile ImageId InstanceInitiatedShutdownBehavior InstanceMarketOptions InstanceType " +
	"Ipv6Address Ipv6AddressCount KernelId KeyName LaunchTemplate LicenseSpecification MaintenanceOptions MetadataOptions Monitoring " +
	"NetworkInterface NetworkPerformanceOptions Operator Placement PrivateDnsNameOptions PrivateIpAddress RamdiskId SecondaryInterface " +
	"SecurityGroup SecurityGroupId SubnetId TagSpecification UserData"

// doEC2 refuses parameters that the action does not take and a call without those that it needs, answers a dry run, or
// performs the action. A dry run looks at the permission only, as the API reference has it: "without actually making the
// request".
func (a *AWS) doEC2(c call) (any, error) {
	op := a.operations[c.action]
	known := slices.Concat([]string{"Action", "Version", "DryRun"}, op.needs, strings.Fields(op.params))
	given := map[string]bool{}
	for key, values := range c.form {
		name, _, _ := strings.Cut(key, ".")
		if !slices.Contains(known, name) {
			return nil, refuse("UnknownParameter", "The parameter %s is not recognized", key)
		}
		given[name] = given[name] || values[0] != ""
	}
	for _, name := range op.needs {
		if !given[name] {
			return nil, missing(name)
		}
	}
	dry, err := flag(c, "DryRun", false)
	if err != nil {
		return nil, err
	}
	if dry {
		return nil, &refusal{http.StatusPreconditionFailed, "DryRunOperation",
			"Request would have succeeded, but DryRun flag is set."}
	}
	return a.once(c, op.do)
}

// once performs a call with a client token only the first time, as the guide "Ensuring idempotency" says, and answers it as
// then when it is repeated.
func (a *AWS) once(c call, do func(call) (any, error)) (any, error) {
	token := c.form.Get("ClientToken")
	if token == "" {
		return do(c)
	}
	if before, ok := a.tokens.recall(c.action + " " + token); ok {
		if before.form != c.form.Encode() {
			return nil, refuse("IdempotentParameterMismatch",
				"Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
		}
		return before.out, nil
	}
	out, err := do(c)
	if err == nil {
		a.tokens.keep(c.action+" "+token, tokenUse{c.form.Encode(), out})
	}
	return out, err
}

// answeredOnly is the answer of an action that returns nothing but that it was done.
type answeredOnly struct {
	XMLName   xml.Name
	RequestID string `xml:"requestId"`
	Return    bool   `xml:"return"`
}

func done(c call) answeredOnly {
	return answeredOnly{XMLName: named(c), RequestID: c.requestID, Return: true}
}

// named is how the answer to a call is named.
func named(c call) xml.Name { return xml.Name{Space: ec2Xmlns, Local: c.action + "Response"} }
