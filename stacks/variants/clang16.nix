final: prev: { compiler = prev.toolchain.compilers.clang16; }
