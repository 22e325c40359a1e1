import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Addresses are relative: the page lies below any path that a proxy puts before it.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: { outDir: "../src/cryoloom/server/built", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0 },
});
