// After the options of the script's author, which name packages from where the command is run.
import world from './main.cjs';

world.enter();
//# sourceURL=perfidy:enter
