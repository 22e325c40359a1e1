/** What is drawn of maps: surfaces, axes, planes, directions. No React; nothing is drawn while nothing changes. */
import {
  AmbientLight, BufferAttribute, BufferGeometry, Color, CylinderGeometry, DirectionalLight, DoubleSide, Fog, Group, InstancedMesh, Line,
  LineBasicMaterial, LineSegments, Matrix4, Mesh, MeshBasicMaterial, MeshLambertMaterial, OrthographicCamera, Plane, Quaternion, Raycaster,
  Scene as Root, SphereGeometry, SRGBColorSpace, Vector2, Vector3, WebGLRenderer, type Object3D,
} from "three";

import { heightIn, type View } from "./camera";
import type { Surface } from "./mesher";
import { onRamp, rgb, type Rgb } from "./ramp";

export type Style = { colour: string; opacity: number; isShown: boolean };
/** How the values of the map that colours a surface become colours: its bytes at both ends of the scale. */
export type Scale = { good: number; poor: number };
export type Clip = { normal: Vector3 | null; at: number }; // null: what faces who looks; at: Å from the middle, beyond which all is cut off
export type Picked = { at: Vector3; layer: string; value: number | null };

const SHADOW = 0.85; // that a vertex loses whose surroundings are all inside
const INSIDE = 0.42; // of its colour has the inner side of a surface

/** Whether this browser draws in three dimensions. */
export function canDraw(): boolean {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

export class Scene {
  private readonly root = new Root();
  private readonly camera = new OrthographicCamera();
  private readonly renderer: WebGLRenderer;
  private readonly meshes = new Map<string, { mesh: Mesh<BufferGeometry, MeshLambertMaterial>; surface: Surface; style: Style; scale: Scale | null }>();
  private readonly around = new Map<string, Object3D>();
  private readonly clipping = new Plane();
  private view: View = { turn: new Quaternion(), target: new Vector3(), height: 100 };
  private clip: Clip | null = null;
  private panes: string[][] = [[]];
  private middle = new Vector3();
  private radius = 100;
  private ground = "#ffffff";
  private frame = 0;

  constructor(readonly canvas: HTMLCanvasElement) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.autoClear = false;
    this.renderer.setPixelRatio(devicePixelRatio);
    const light = new DirectionalLight(0xffffff, 3.1);
    light.position.set(-0.45, 0.65, 1);
    const fill = new DirectionalLight(0xffffff, 0.5);
    fill.position.set(0.8, -0.6, 0.5);
    this.camera.add(light, light.target, fill, fill.target);
    this.root.add(this.camera, new AmbientLight(0xffffff, 0.42));
    this.root.fog = new Fog(0xffffff, 0, 1);
  }

  end() {
    cancelAnimationFrame(this.frame);
    for (const { mesh } of this.meshes.values()) mesh.geometry.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  setSurface(layer: string, surface: Surface | null, style: Style, scale: Scale | null) {
    const known = this.meshes.get(layer);
    if (known) {
      this.root.remove(known.mesh);
      known.mesh.geometry.dispose();
      this.meshes.delete(layer);
    }
    if (surface) {
      const geometry = new BufferGeometry();
      geometry.setAttribute("position", new BufferAttribute(surface.positions, 3));
      geometry.setAttribute("normal", new BufferAttribute(surface.normals, 3));
      geometry.setAttribute("color", new BufferAttribute(new Float32Array(surface.positions.length), 3));
      geometry.setIndex(new BufferAttribute(surface.triangles, 1));
      const mesh = new Mesh(geometry, known?.mesh.material ?? surfaceMaterial());
      mesh.userData.layer = layer;
      mesh.visible = false;
      this.meshes.set(layer, { mesh, surface, style, scale });
      this.root.add(mesh);
      this.paint(layer, style, scale);
    }
    this.draw();
  }

  /** Colours alone: no vertex moves. */
  paint(layer: string, style: Style, scale: Scale | null) {
    const one = this.meshes.get(layer);
    if (!one) return;
    Object.assign(one, { style, scale });
    const { surface, mesh } = one;
    const colours = mesh.geometry.getAttribute("color") as BufferAttribute;
    const plain = linear(rgb(style.colour));
    const { values, hidden } = surface;
    const table = scale && Array.from({ length: 256 }, (_, at) => linear(onRamp(at / 255)));
    const none = linear(onRamp(NaN));
    for (let at = 0; at < hidden.length; at++) {
      let colour = plain;
      if (scale && table && values) {
        const place = (values[at]! - scale.good) / (scale.poor - scale.good);
        colour = Number.isNaN(place) ? none : table[Math.round(255 * Math.min(Math.max(place, 0), 1))]!;
      }
      const light = 1 - SHADOW * hidden[at]!;
      colours.setXYZ(at, colour[0] * light, colour[1] * light, colour[2] * light);
    }
    colours.needsUpdate = true;
    const material = mesh.material;
    material.opacity = style.opacity;
    material.transparent = style.opacity < 1;
    material.depthWrite = style.opacity >= 1;
    mesh.renderOrder = style.opacity < 1 ? 1 : 0;
    this.draw();
  }

  /** Which layers each part of the picture shows. */
  setPanes(panes: string[][]) {
    this.panes = panes.length ? panes : [[]];
    this.draw();
  }

  setView(view: View) {
    this.view = view;
    this.draw();
  }

  setClip(clip: Clip | null) {
    this.clip = clip;
    this.draw();
  }

  /** What is drawn at all lies within this ball. */
  setBounds(middle: Vector3, radius: number) {
    this.middle = middle;
    this.radius = radius;
    this.draw();
  }

  setGround(colour: string) {
    this.ground = colour;
    this.draw();
  }

  /** Something beside the surfaces, by its name; null takes it away. */
  put(name: string, object: Object3D | null) {
    const known = this.around.get(name);
    if (known) this.root.remove(known);
    this.around.delete(name);
    if (object) {
      this.around.set(name, object);
      this.root.add(object);
    }
    this.draw();
  }

  /** Beside the parts of the picture, how many there are in a row and how many rows. */
  get grid(): [number, number] {
    const count = this.panes.length;
    return [count === 1 ? 1 : 2, count > 2 ? 2 : 1];
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const { clientWidth, clientHeight } = this.canvas;
      const size = this.renderer.getSize(new Vector2());
      if (size.x !== clientWidth || size.y !== clientHeight) this.renderer.setSize(clientWidth, clientHeight, false);
      this.render(clientWidth, clientHeight, this.ground);
      this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
    });
  }

  /** What lies under a place of the canvas, px from its upper left. */
  pick(x: number, y: number): Picked | null {
    const [columns, rows] = this.grid;
    const [wide, high] = [this.canvas.clientWidth / columns, this.canvas.clientHeight / rows];
    const pane = Math.floor(x / wide) + columns * Math.floor(y / high);
    const layers = this.panes[pane] ?? [];
    this.aim(wide / high);
    const caster = new Raycaster();
    caster.setFromCamera(new Vector2(((x % wide) / wide) * 2 - 1, 1 - ((y % high) / high) * 2), this.camera);
    const meshes = [...this.meshes].filter(([layer, one]) => layers.includes(layer) && one.style.isShown).map(([, one]) => one.mesh);
    // An invisible mesh is hit all the same; what was cut off is not there.
    const hit = caster.intersectObjects(meshes, false).find((one) => !this.clip || this.clipping.distanceToPoint(one.point) >= 0);
    if (!hit?.face) return null;
    const layer = String(hit.object.userData.layer);
    const values = this.meshes.get(layer)?.surface.values;
    const value = values ? (values[hit.face.a]! + values[hit.face.b]! + values[hit.face.c]!) / 3 : null;
    return { at: hit.point, layer, value };
  }

  /** A picture of its own size; a ground of null is none. */
  async picture(width: number, ground: string | null): Promise<{ image: HTMLCanvasElement; height: number }> {
    const before = this.renderer.getSize(new Vector2());
    const ratio = this.renderer.getPixelRatio();
    const most = this.renderer.getContext().getParameter(this.renderer.getContext().MAX_RENDERBUFFER_SIZE) as number;
    const shape = before.y / before.x;
    const wide = Math.min(width, most, Math.floor(most / shape));
    const high = Math.round(wide * shape);
    this.renderer.setPixelRatio(1);
    this.renderer.setSize(wide, high, false);
    this.render(wide, high, ground);
    // Taken before anything else is drawn: a browser keeps no picture of a canvas.
    const image = document.createElement("canvas");
    [image.width, image.height] = [wide, high];
    image.getContext("2d")!.drawImage(this.canvas, 0, 0);
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(before.x, before.y, false);
    this.render(before.x, before.y, this.ground);
    return { image, height: high };
  }

  private aim(aspect: number) {
    const { turn, target } = this.view;
    const half = heightIn(this.view, aspect, 1) / 2;
    Object.assign(this.camera, { left: -half * aspect, right: half * aspect, top: half, bottom: -half });
    const back = new Vector3(0, 0, 1).applyQuaternion(turn);
    // As far away as everything is large, wherever the middle of the picture was moved to.
    const far = 2 * this.radius + target.distanceTo(this.middle);
    this.camera.position.copy(target).addScaledVector(back, far);
    this.camera.quaternion.copy(turn);
    Object.assign(this.camera, { near: 0, far: 2 * far + 2 * this.radius });
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld();
    const middle = far - back.dot(this.middle.clone().sub(target));
    Object.assign(this.root.fog!, { near: middle - 0.1 * this.radius, far: middle + 1.6 * this.radius });
    if (this.clip) {
      const normal = (this.clip.normal ?? back).clone().negate();
      this.clipping.setFromNormalAndCoplanarPoint(normal, this.middle.clone().addScaledVector(normal, -this.clip.at));
    }
  }

  private render(width: number, height: number, ground: string | null) {
    const [columns, rows] = this.grid;
    const [wide, high] = [width / columns, height / rows];
    this.renderer.setScissorTest(false);
    this.renderer.setClearColor(new Color(ground ?? "#ffffff"), ground === null ? 0 : 1);
    this.renderer.clear();
    // Without a ground depth must not fade into one.
    (this.root.fog as Fog).color.set(ground ?? "#808080");
    this.renderer.setScissorTest(true);
    this.panes.forEach((layers, pane) => {
      const [left, up] = [(pane % columns) * wide, height - (Math.floor(pane / columns) + 1) * high];
      this.renderer.setViewport(left, up, wide, high);
      this.renderer.setScissor(left, up, wide, high);
      this.aim(wide / high);
      const planes = this.clip ? [this.clipping] : [];
      for (const [layer, { mesh, style }] of this.meshes) {
        mesh.visible = layers.includes(layer) && style.isShown;
        mesh.material.clippingPlanes = planes;
      }
      this.renderer.localClippingEnabled = planes.length > 0;
      this.renderer.render(this.root, this.camera);
    });
    for (const { mesh } of this.meshes.values()) mesh.visible = true;
  }
}

function surfaceMaterial(): MeshLambertMaterial {
  const material = new MeshLambertMaterial({ vertexColors: true, side: DoubleSide });
  // The inner side is darker: what was cut open shows which side is which.
  material.onBeforeCompile = (shader) => {
    shader.fragmentShader = shader.fragmentShader.replace(
      "#include <color_fragment>",
      `#include <color_fragment>\n  if (!gl_FrontFacing) diffuseColor.rgb *= ${INSIDE};`,
    );
  };
  return material;
}

function linear(colour: Rgb): Rgb {
  const made = new Color().setRGB(...colour, SRGBColorSpace);
  return [made.r, made.g, made.b];
}

/** Lines through a point, one for each axis. */
export function axesOf(axes: { direction: readonly [number, number, number]; colour: string }[], middle: Vector3, length: number): Object3D {
  const group = new Group();
  for (const { direction, colour } of axes) {
    const half = new Vector3(...direction).multiplyScalar(length);
    const rod = new Mesh(new CylinderGeometry(length / 180, length / 180, 2 * length, 8), new MeshBasicMaterial({ color: colour, fog: false }));
    rod.position.copy(middle);
    rod.quaternion.setFromUnitVectors(new Vector3(0, 1, 0), half.normalize());
    group.add(rod);
  }
  return group;
}

/** A rod for each direction from which particles were seen, on a ball around the map; longer and better lit where there are more. */
export function directionsOf(directions: readonly (readonly number[])[], counts: number[], middle: Vector3, radius: number): Object3D {
  const most = Math.max(...counts);
  const rods = new InstancedMesh(new CylinderGeometry(1, 1, 1, 6), new MeshLambertMaterial(), directions.length);
  const up = new Vector3(0, 1, 0);
  directions.forEach((one, at) => {
    const out = new Vector3(one[0], one[1], one[2]);
    const share = counts[at]! / most;
    const length = radius * (0.02 + 0.4 * share);
    const place = middle.clone().addScaledVector(out, radius + length / 2);
    const wide = radius * 0.012;
    rods.setMatrixAt(at, new Matrix4().compose(place, new Quaternion().setFromUnitVectors(up, out), new Vector3(wide, length, wide)));
    rods.setColorAt(at, new Color().setRGB(...onRamp(1 - share), SRGBColorSpace));
  });
  return rods;
}

/** The edges of slices' planes. */
export function planesOf(rectangles: Vector3[][], colour: string): Object3D {
  const points = rectangles.flatMap((corners) => corners.flatMap((one, at) => [one, corners[(at + 1) % corners.length]!]));
  return new LineSegments(new BufferGeometry().setFromPoints(points), new LineBasicMaterial({ color: colour, fog: false }));
}

/** Two points and the line between them, seen through everything. */
export function distanceOf(points: Vector3[], size: number, colour: string): Object3D {
  const group = new Group();
  const material = new MeshBasicMaterial({ color: colour, depthTest: false, fog: false, transparent: true });
  for (const one of points) {
    const ball = new Mesh(new SphereGeometry(size, 12, 8), material);
    ball.position.copy(one);
    group.add(ball);
  }
  if (points.length === 2) {
    const line = new Line(new BufferGeometry().setFromPoints(points), new LineBasicMaterial({ color: colour, depthTest: false, fog: false, transparent: true }));
    group.add(line);
  }
  group.renderOrder = 2;
  group.traverse((one) => (one.renderOrder = 2));
  return group;
}
