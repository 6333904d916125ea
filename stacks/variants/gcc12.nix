final: prev: { compiler = prev.toolchain.compilers.gcc12; }
