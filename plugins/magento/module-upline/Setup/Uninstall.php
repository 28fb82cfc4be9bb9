<?php

declare(strict_types=1);

namespace Upline\Commission\Setup;

use Magento\Framework\Setup\ModuleContextInterface;
use Magento\Framework\Setup\SchemaSetupInterface;
use Magento\Framework\Setup\UninstallInterface;

/**
 * bin/magento module:uninstall --remove-data Upline_Commission: removes the tables and settings. Nothing else does.
 */
class Uninstall implements UninstallInterface
{
    private const TABLES = [
        'upline_outbox' => 'sales',
        'upline_told' => 'sales',
        'upline_reference' => 'sales',
        'upline_coupon' => 'default',
        'upline_state' => 'default',
    ];

    /**
     * @inheritDoc
     */
    public function uninstall(SchemaSetupInterface $setup, ModuleContextInterface $context): void
    {
        foreach (self::TABLES as $table => $resource) {
            $setup->getConnection($resource)->dropTable($setup->getTable($table, $resource));
        }
        $setup->getConnection()->delete(
            $setup->getTable('core_config_data'),
            ['path LIKE ?' => 'upline\_commission/%']
        );
    }
}
