#include "textflag.h"

// The mix of hash.go on eight lanes.
#define STEP(a, b, c, SHIFT, bits) \
	VPSUBD b, a, a       \
	VPSUBD c, a, a       \
	SHIFT  $bits, c, Y6  \
	VPXOR  Y6, a, a

#define MIX(a, b, c) \
	STEP(a, b, c, VPSRLD, 13) \
	STEP(b, c, a, VPSLLD, 8)  \
	STEP(c, a, b, VPSRLD, 13) \
	STEP(a, b, c, VPSRLD, 12) \
	STEP(b, c, a, VPSLLD, 16) \
	STEP(c, a, b, VPSRLD, 5)  \
	STEP(a, b, c, VPSRLD, 3)  \
	STEP(b, c, a, VPSLLD, 10) \
	STEP(c, a, b, VPSRLD, 15)

// func draws8(x, r uint32, ids *int32, out *uint32, groups int)
TEXT ·draws8(SB), NOSPLIT, $0-32
	MOVL x+0(FP), AX
	MOVL r+4(FP), BX
	MOVQ ids+8(FP), SI
	MOVQ out+16(FP), DI
	MOVQ groups+24(FP), CX

	VMOVD AX, X11
	VPBROADCASTD X11, Y11 // x
	VMOVD BX, X12
	VPBROADCASTD X12, Y12 // r
	XORL  BX, AX
	XORL  $1315423911, AX
	VMOVD AX, X10
	VPBROADCASTD X10, Y10 // seed ^ x ^ r
	MOVL  $231232, AX
	VMOVD AX, X13
	VPBROADCASTD X13, Y13
	MOVL  $1232, AX
	VMOVD AX, X14
	VPBROADCASTD X14, Y14
	MOVL  $0xffff, AX
	VMOVD AX, X15
	VPBROADCASTD X15, Y15

next:
	VMOVDQU (SI), Y1       // b: the ids
	VMOVDQA Y11, Y0        // a: x
	VMOVDQA Y12, Y2        // c: r
	VMOVDQA Y13, Y3        // helper X
	VMOVDQA Y14, Y4        // helper Y
	VPXOR   Y10, Y1, Y5    // h
	MIX(Y0, Y1, Y5)
	MIX(Y2, Y3, Y5)
	MIX(Y4, Y0, Y5)
	MIX(Y1, Y3, Y5)
	MIX(Y4, Y2, Y5)
	VPAND   Y15, Y5, Y5
	VMOVDQU Y5, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	DECQ CX
	JNZ  next
	VZEROUPPER
	RET

// func hasAVX2() bool
TEXT ·hasAVX2(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	CPUID
	CMPL AX, $7
	JLT  done
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $0x18000000, CX // OSXSAVE and AVX
	CMPL CX, $0x18000000
	JNE  done
	XORL CX, CX
	XGETBV               // the system keeps the wide registers
	ANDL $6, AX
	CMPL AX, $6
	JNE  done
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $5, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)
done:
	RET
