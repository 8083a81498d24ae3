//go:build amd64 && !noasm && !real64

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run generate.go

// assembly holds the paths in machine code, the widest first. Each is plain Go with
// parts replaced.
var assembly = []*Path{
	machinePath("avx512", lacksAVX512, gemmAVX512, rowsAVX512, attentionAVX512),
	machinePath("avx2", lacksAVX2, gemmAVX2, rowsAVX2, attentionAVX2),
}

// absent says why a path that exists elsewhere is not in this build.
var absent = map[string]string{}

func machinePath(name string, lacks func() string, parts ...func(*Path)) *Path {
	p := plain
	p.Name, p.lacks = name, lacks
	for _, replace := range parts {
		replace(&p)
	}
	return &p
}

func lacksAVX2() string {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C {
		return ""
	}
	return "AVX2, FMA or F16C"
}

func lacksAVX512() string {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && lacksAVX2() == "" {
		return ""
	}
	return "AVX-512 (F, VL, BW, DQ)"
}
