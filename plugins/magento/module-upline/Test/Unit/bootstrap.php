<?php

declare(strict_types=1);

/**
 * The tests run without Magento: what the classes under test expect of it is declared in Stub, by hand.
 */

spl_autoload_register(static function (string $class): void {
    $prefix = 'Upline\\Commission\\';
    if (str_starts_with($class, $prefix)) {
        $file = dirname(__DIR__, 2) . '/' . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});

require __DIR__ . '/Stub/magento.php';
