<?php

declare(strict_types=1);

namespace Upline\Commission\Block\Adminhtml\Order;

use Magento\Backend\Block\Template;

/**
 * The distributor picker at order create. Its fields belong to the page's own form, wherever they stand.
 */
class Create extends Template
{
    /**
     * @var string
     */
    protected $_template = 'Upline_Commission::order/create.phtml';

    /**
     * What the picker's script needs, as JSON.
     *
     * @return string
     */
    public function getPickerJson(): string
    {
        return (string) json_encode(
            ['Upline_Commission/js/picker' => ['search' => $this->getUrl('upline/order/distributors')]],
            JSON_HEX_TAG | JSON_HEX_AMP | JSON_HEX_APOS
        );
    }

    /**
     * @inheritDoc
     */
    // phpcs:ignore PSR2.Methods.MethodDeclaration.Underscore -- the name is Magento's
    protected function _toHtml(): string
    {
        return $this->_authorization->isAllowed('Upline_Commission::attribution') ? parent::_toHtml() : '';
    }
}
