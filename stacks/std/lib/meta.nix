{ lib }:
rec {
  addMetaAttrs = new: drv: drv // { meta = (drv.meta or { }) // new; };
  setName = name: drv: drv // { inherit name; };
  lowPrio = addMetaAttrs { priority = 10; };
  hiPrio = addMetaAttrs { priority = -10; };
  getExe =
    x:
    "${lib.getBin x}/bin/${
      x.meta.mainProgram or (throw "getExe: '${x.name}' does not say meta.mainProgram")
    }";
  getExe' = x: program: "${lib.getBin x}/bin/${program}";
}
