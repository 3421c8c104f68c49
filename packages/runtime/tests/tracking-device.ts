import { type Device, openDevice, type Tensor } from "@kvasir/kernels";

/** A device that knows which of the files, tensors and executables it gave out are not disposed yet. */
export function trackingDevice(): { device: Device; live: Set<object> } {
  const live = new Set<object>();
  const track = <T extends { dispose(): void }>(handle: T): T => {
    const dispose = handle.dispose.bind(handle);
    live.add(handle);
    handle.dispose = () => {
      live.delete(handle);
      dispose();
    };
    return handle;
  };
  const device = openDevice({ backend: "interpreter" });
  const [mapFile, compile, pack] = [
    device.mapFile.bind(device),
    device.compile.bind(device),
    device.pack.bind(device),
  ];
  device.compile = (program) => track(compile(program));
  device.pack = async (weight, dtype): Promise<Tensor> => track(await pack(weight, dtype));
  device.mapFile = async (path) => {
    const file = track(await mapFile(path));
    const tensor = file.tensor.bind(file);
    file.tensor = (...args) => track(tensor(...args));
    return file;
  };
  return { device, live };
}
