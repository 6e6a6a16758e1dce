#!/bin/busybox sh
# The first program of the guest. The drivers are inserted in their order.
export NO_COLOR=1
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t tmpfs tmp /tmp
for module in MODULES; do
    busybox insmod "/modules/$module"
done
until busybox mount -t ext4 /dev/vda /disk; do
    busybox sleep 0.1
done
if [ -x /disk/usr/lib/systemd/systemd ]; then
    exec busybox switch_root /disk /usr/lib/systemd/systemd
fi
busybox ifconfig lo 127.0.0.1 up
busybox ifconfig eth0 10.0.2.15 up
pq start --root /disk/rel --bind 0.0.0.0 --port 8082 &
# Commands stand in the kernel's command line, as do=install,1.1.0;make-permanent,1.1.0
for word in $(busybox cat /proc/cmdline); do
    case $word in
    do=?*)
        until pq status --root /disk/rel >/dev/null 2>&1; do
            busybox sleep 0.05
        done
        IFS=';'
        for command in ${word#do=}; do
            IFS=','
            pq $command --root /disk/rel >/dev/null 2>&1
            IFS=';'
        done
        ;;
    esac
done
wait
