// SPDX-License-Identifier: Apache-2.0

package manifest

// GPU is one GPU that would do for a service, as the file names it.
type GPU struct {
	// Vendor is nvidia, amd, ….
	Vendor string `json:"vendor"`
	// Model is rtx4090, h100, …; empty for any.
	Model string `json:"model,omitempty"`
	// VRAMMiB is the least memory of the device; 0 for any.
	VRAMMiB uint64 `json:"vram_mib,omitempty"`
	// Interface is pcie or sxm; empty for any.
	Interface string `json:"interface,omitempty"`
}

// File is what was read from an SDL file.
type File struct {
	// Manifest is the canonical workload.
	Manifest Manifest
	// GPUs are the choices that the file leaves; empty where it asks for none or names none.
	GPUs []GPU
	// Asked is what the file asks for, by service, to the byte and before replicas are made of it.
	Asked map[string]Asked
	// Warnings are things that are accepted and have no effect.
	Warnings []Problem
	// NotOffered are the features for which Parse refused a valid file.
	NotOffered []Problem
}

// Asked is what a file asks for one service.
type Asked struct {
	Replicas    uint64
	MemoryBytes uint64
	Storage     []Storage
}

// Storage is one volume of a compute profile with its place in a service.
type Storage struct {
	Name string `json:"name"`
	Size uint64 `json:"size_bytes"`
	// Class is default, beta1, beta2, beta3 or ram; empty for ephemeral storage on disk.
	Class      string `json:"class,omitempty"`
	Persistent bool   `json:"persistent"`
	// Mount is empty for what lies in the root file system.
	Mount    string `json:"mount,omitempty"`
	ReadOnly bool   `json:"read_only,omitempty"`
}
